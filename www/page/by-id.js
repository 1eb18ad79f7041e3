/** The element of the page's HTML with an id. @type {(id: string) => any} */
export const $ = (id) => document.getElementById(id);
