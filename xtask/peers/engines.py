"""Runs the examples of docs/translate-many.md on this machine: 1,000 drawn pictures and a bad one, with a
worker that is killed, then once more; held to what `trainer translate` makes of the same files.

Arguments: the page of the docs, the trainer, a folder to work in.
"""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
from PIL import Image

PICTURES = 1000
ENGINES = {"Spark": "translate_spark.py", "Ray Data": "translate_ray.py"}


def write_examples(page, folder):
    """Each block of Python belongs to the file that was named last before it."""
    text = page.read_text()
    for block in re.finditer(r"^```python\n(.*?)^```", text, re.M | re.S):
        names = re.findall(r"`(\w+\.py)`", text[: block.start()])
        (folder / names[-1]).write_text(block[1])


def draw_pictures(folder):
    folder.mkdir()
    y, x = np.mgrid[0:48, 0:64]
    for number in range(PICTURES):
        waves = [np.sin(x / (3 + number % 7) + band + number) * 60 + y * 2 + 60 for band in range(3)]
        place = folder / f"{number % 10}" / f"{number}.png"
        place.parent.mkdir(exist_ok=True)
        Image.fromarray(np.clip(np.stack(waves, 2), 0, 255).astype(np.uint8)).save(place)
    (folder / "bad.png").write_text("no picture")


def parents(trainer):
    """Processes of the engine that translate just now."""
    found = []
    for process in pathlib.Path("/proc").iterdir():
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            if words[:2] == [b"trainer", b"translate"] and os.path.samefile(process / "exe", trainer):
                found.append(int((process / "stat").read_text().rsplit(")", 1)[1].split()[1]))
        except OSError:
            continue
    return found


def run(folder, script, trainer, kill):
    """What the example says. A worker is killed once it has made some of its results."""
    environment = {
        **os.environ,
        "PATH": f"{trainer.parent}:{os.environ['PATH']}",
        "PYSPARK_PYTHON": sys.executable,
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    output = folder / f"{script}.out"
    killed = False
    with open(folder / f"{script}.log", "w") as log:
        command = [sys.executable, script, "model", "pictures", output.name]
        engine = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
        while kill and not killed and engine.poll() is None:
            workers = parents(trainer) if len(list(output.rglob("*.png"))) > PICTURES // 20 else []
            if workers:
                os.kill(workers[0], signal.SIGKILL)
                killed = True
            time.sleep(0.01)
        said, _ = engine.communicate()
    if engine.returncode != 0:
        raise SystemExit(f"{script} failed:\n{(folder / f'{script}.log').read_text()[-3000:]}")
    return said, killed


def check(folder, name, script, trainer):
    output = folder / f"{script}.out"
    started = time.monotonic()
    said, killed = run(folder, script, trainer, kill=True)
    seconds = time.monotonic() - started
    assert killed, f"{name}: no worker was there to be killed"
    assert "bad.png" in said and said.count("failed: ") == 1, said
    results = {path.relative_to(output): path for path in output.rglob("*.png")}
    assert len(results) == PICTURES, f"{name}: {len(results)} results"
    for path, result in results.items():
        expected = folder / "expected" / path.with_suffix("")
        assert result.read_bytes() == expected.read_bytes(), f"{name}: {path}"
    times = {path: result.stat().st_mtime_ns for path, result in results.items()}
    said, _ = run(folder, script, trainer, kill=False)
    assert said.endswith("1 images\n"), f"{name}: the bad picture alone is tried again: {said}"
    assert times == {path: result.stat().st_mtime_ns for path, result in results.items()}, name
    print(f"{name}: {PICTURES} pictures in {seconds:.0f} s with a killed worker, none again the second time")


def main():
    page, trainer, folder = (pathlib.Path(argument).resolve() for argument in sys.argv[1:4])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_examples(page, folder)
    draw_pictures(folder / "pictures")
    tiny = "--net-g unet_128 --base 1 --size 128 --steps 1 --device cpu --run run --quiet".split()
    subprocess.run([trainer, "train", *tiny], cwd=folder, check=True)
    (folder / "run/export").rename(folder / "model")
    direct = "translate --model model pictures --output expected --device cpu --quiet".split()
    subprocess.run([trainer, *direct], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for name, script in ENGINES.items():
        check(folder, name, script, trainer)


if __name__ == "__main__":
    main()
