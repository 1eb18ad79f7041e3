/** The same numbers each time, 0 to 1 (a linear congruential generator). */
export function numbers(seed) {
  let state = seed * 7919;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
