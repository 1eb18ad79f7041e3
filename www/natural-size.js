// Which side a drawing or a film's frame has, where nothing else says it.

const USUAL_SIDE = 256;
const SMALLEST = 64;
const LARGEST = 1024;

/** The side that the model was trained on, where it fits; else the usual one. */
export function naturalSide(manifest) {
  const wanted = manifest?.input?.multiple_of;
  const multiple = Number.isInteger(wanted) && wanted >= 1 && wanted <= LARGEST ? wanted : USUAL_SIDE;
  const trained = manifest?.training?.size;
  const fits = Number.isInteger(trained) && trained >= SMALLEST && trained <= LARGEST && trained % multiple === 0;
  return fits ? trained : Math.ceil(USUAL_SIDE / multiple) * multiple;
}
