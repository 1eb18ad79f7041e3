const slider = document.getElementById('step');
if (slider instanceof HTMLInputElement) {
  /** @type {NodeListOf<HTMLImageElement>} */
  const grids = document.querySelectorAll('.grids img');
  const shown = /** @type {HTMLOutputElement} */ (document.getElementById('shown'));
  const show = () => {
    grids.forEach((grid, index) => {
      grid.hidden = index !== slider.valueAsNumber;
    });
    shown.value = grids[slider.valueAsNumber].dataset.step ?? '';
    slider.setAttribute('aria-valuetext', `step ${shown.value}`);
  };
  slider.addEventListener('input', show);
  show();
}
