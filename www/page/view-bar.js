// The controls of the view: divider or side by side, and zoom.

import { asked, remember } from './address.js';
import { $ } from './by-id.js';

/** Connects them to a PictureView, with the layout that the address asks for. */
export function connectViewBar(view) {
  const wanted = asked('view', ['slider', 'side']) ?? view.layout;
  view.layout = wanted;
  $('layouts').querySelector(`[value="${wanted}"]`).checked = true;
  $('layouts').addEventListener('change', (event) => {
    view.layout = event.target.value;
    remember('view', view.layout === 'slider' ? null : view.layout);
  });
  $('zoom-in').addEventListener('click', () => view.zoom.in());
  $('zoom-out').addEventListener('click', () => view.zoom.out());
  $('zoom-fit').addEventListener('click', () => view.zoom.reset());
  view.zoom.addEventListener('change', () => {
    $('zoom-level').textContent = `${Math.round(view.zoom.level * 100)} %`;
  });
}
