export { blocksBytes, boxesBytes, bytesBytes, nearestInFull, packInFull, scratchBytes } from './neighbors/in-full'
export { axesBoxesBytes, axesScratchBytes, columnsOf, coordsBytes, nearestByAxes, packByAxes } from './neighbors/by-axes'
