import { parentPort, workerData } from 'node:worker_threads'
import { InlineDetector } from '../live/inline.ts'
import { openDatabase } from '../store/database.ts'
import { Store } from '../store/store.ts'
import type { QuestionMessage, QuestionReply, QuestionSettings } from './question-thread.ts'
import { answerStored } from './stored-question.ts'

/** The thread that answers questions, one after the other. */

const { url, local } = workerData as QuestionSettings
const port = parentPort!
const detector = new InlineDetector(local)
let store: Store | undefined
let turn: Promise<void> = Promise.resolve()

port.on('message', (message: QuestionMessage) => {
  turn = turn.then(async () => {
    if ('knowledge' in message) {
      // What the thread that handed it over could learn can be learned here.
      detector.learn(message.knowledge)
      return
    }
    const { id } = message
    const reply = await replyTo(message).catch((error: Error): QuestionReply => {
      return { id, error: { name: error.name, message: error.message } }
    })
    const sent = 'outcome' in reply && reply.outcome && 'answer' in reply.outcome ? reply.outcome : undefined
    port.postMessage(
      reply,
      [sent?.answer.buffer, sent?.toStore?.buffer].filter((b) => b !== undefined),
    )
  })
})

async function replyTo(
  message: Exclude<QuestionMessage, { readonly knowledge: unknown }>,
): Promise<QuestionReply> {
  const { id } = message
  if ('bytes' in message) return { id, outcome: await detector.answer(message.bytes) }
  // Most threads are never asked about what is stored.
  store ??= new Store(openDatabase(url))
  return { id, stored: await answerStored(message.stored, detector.bundles, store, local) }
}
