// Says when the page works without a network, and installs it where the browser offers that.

import { $ } from './by-id.js';
import { keepPage } from './offline.js';

/** @type {any} The browser's question, which it lets the page put. */
let question = null;

addEventListener('beforeinstallprompt', (event) => {
  event.preventDefault();
  question = event;
  $('install').hidden = false;
});
addEventListener('appinstalled', () => {
  $('install').hidden = true;
  keepPage(); // the service worker takes what other programs share
});
$('install').addEventListener('click', async () => {
  await question?.prompt();
  question = null; // it can be put once
  $('install').hidden = true;
});

/** The page and the model in use are kept. */
export function worksOffline() {
  document.body.dataset.offline = 'ready';
  $('works-offline').hidden = false;
}
