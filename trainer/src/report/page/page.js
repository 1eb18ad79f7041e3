const slider = document.getElementById('step');
if (slider) {
  const grids = document.querySelectorAll('.grids img');
  const shown = document.getElementById('shown');
  const show = () => {
    grids.forEach((grid, index) => { grid.hidden = index !== Number(slider.value); });
    shown.value = grids[slider.value].dataset.step;
    slider.setAttribute('aria-valuetext', `step ${shown.value}`);
  };
  slider.addEventListener('input', show);
  show();
}
