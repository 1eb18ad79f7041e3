// Asks for the graphics adapter before anything is downloaded for it.

import { phrase } from './phrase.js';

/** The adapter's name (null if the browser hides it) and whether it is emulated in software;
    `missing` says why there is none. */
export async function findAdapter() {
  const none = { name: null, isSoftware: false };
  if (!navigator.gpu) {
    return {
      ...none,
      missing: isSecureContext
        ? phrase('this browser has no navigator.gpu')
        : phrase('browsers offer it only over HTTPS'),
    };
  }
  try {
    /** @type {any} older browsers have other fields */
    const adapter = await navigator.gpu.requestAdapter();
    if (!adapter) return { ...none, missing: phrase('the browser offers no graphics adapter') };
    const info = adapter.info ?? {};
    return {
      name: info.description || [info.vendor, info.architecture].filter(Boolean).join(' ') || null,
      isSoftware: info.isFallbackAdapter ?? adapter.isFallbackAdapter ?? false,
      missing: null,
    };
  } catch (error) {
    return {
      ...none,
      missing: { template: phrase('asking for a graphics adapter failed ({why})'), values: { why: error.message } },
    };
  }
}
