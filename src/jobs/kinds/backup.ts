import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { backup as writeBackup } from '../../store/backup.ts'
import { jobKind } from '../kind.ts'

/** Writes the whole database to a file in the service's folder. */
export const backup = jobKind({
  name: 'backup',
  about: 'write the database to a file in the folder of the service',
  heavy: false,
  params: z.strictObject({
    keep: z.int().min(1).max(1000).default(7).describe('how many of these files are kept, the newest ones'),
  }),
  run: async ({ keep }, { folder, store, id, progress }) => {
    progress(null, 'copying')
    const place = join(folder, 'backups')
    await mkdir(place, { recursive: true, mode: 0o700 })
    // Names sort by number: of the same job there is one file, however often it is begun.
    const name = `motewatch-${String(id).padStart(9, '0')}.db`
    const file = join(place, name)
    await writeBackup(store.database.url, file)
    const { size } = await stat(file)
    const all = (await readdir(place)).filter((entry) => /^motewatch-\d{9}\.db$/.test(entry)).sort()
    const old = all.slice(0, -keep)
    for (const entry of old) await rm(join(place, entry))
    return async () => ({ file: join('backups', name), size, removed: old.length })
  },
})
