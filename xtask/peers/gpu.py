"""Checks and measures this machine's GPU, the browser's shaders and training, PyTorch beside them
where it is installed with CUDA. Prints Markdown tables in under ten minutes.

    python3 gpu.py [--device DEVICE] [--trainer PROGRAM] [--small]
"""

import argparse
import json
import shutil
import statistics
import subprocess
import threading
import time
from pathlib import Path

HERE = Path(__file__).parent
SECONDS = 570
KERNELS = ("direct", "split", "tiled-64", "tiled-32", "grouped")
BEGUN = time.monotonic()


def left():
    return max(1.0, SECONDS - (time.monotonic() - BEGUN))


def table(columns, rows):
    print("| " + " | ".join(columns) + " |")
    print("|" + "---|" * len(columns))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    print(flush=True)


def ms(value):
    return f"{value:.2f} ms" if isinstance(value, float) else "–"


class Watch:
    """The share of time that the GPU is busy, and the most memory in use, as NVIDIA's driver says."""

    COMMAND = ["nvidia-smi", "--query-gpu=utilization.gpu,memory.used"]
    COMMAND += ["--format=csv,noheader,nounits", "--loop-ms=100"]

    def __enter__(self):
        self.rows = []
        self.process = None
        if shutil.which("nvidia-smi"):
            self.process = subprocess.Popen(self.COMMAND, stdout=subprocess.PIPE, text=True)
            threading.Thread(target=self.read, daemon=True).start()
        return self

    def read(self):
        for line in self.process.stdout:
            cells = line.split(",")[:2]
            if all(cell.strip().isdigit() for cell in cells):
                self.rows.append([int(cell) for cell in cells])

    def __exit__(self, *_):
        if self.process:
            self.process.terminate()

    def cells(self):
        """What it was in the last seconds, when everything is compiled."""
        if not self.rows:
            return ["–", "–"]
        busy = statistics.mean(row[0] for row in self.rows[-20:])
        return [f"{busy:.0f} %", f"{max(row[1] for row in self.rows):,} MiB"]


def ours(trainer, *arguments, limit=180):
    """Lines of JSON, and what went wrong."""
    command = [trainer, *arguments, "--format", "json"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=min(limit, left()))
    except subprocess.TimeoutExpired:
        return [], "not in time"
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    told = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    faults = [event["message"] for event in told if event.get("event") == "error"]
    return rows, "" if done.returncode == 0 else " ".join(faults) or "failed"


def check(trainer, device):
    print(f"## Numbers of {device} beside the processor's\n")
    rows, fault = ours(trainer, "devices", "--check", device)
    table(
        ["what", "difference", "allowed", "processor", "device"],
        [
            [row["what"], f"{row['difference']:.1e}", row["allowed"], ms(row["cpu_ms"]), ms(row["device_ms"])]
            for row in rows
        ],
    )
    if fault:
        print(fault, "\n", flush=True)


def forward(trainer, device, bases, theirs):
    print("## One image of 256 × 256 through a U-Net 256\n")
    print("The browser's shaders, from numbers to numbers; PyTorch's images stay on the device.\n")
    rows = []
    for base in bases:
        row, off = [base], []
        for kernel in (*KERNELS, None):
            chosen = ["--kernel", kernel] if kernel else []
            found, _ = ours(trainer, "bench", "--forward", f"--device={device}", f"--base={base}", *chosen)
            row.append(ms(found[0]["forward_ms"]) if found else "–")
            off += [line["difference"] for line in found]
        of_base = {peer["precision"]: peer for peer in theirs if peer["base"] == base and "forward_ms" in peer}
        peers = [ms(of_base.get(name, {}).get("forward_ms")) for name in ("f32", "tf32", "bf16")]
        graph = ms(of_base.get("f32", {}).get("forward_graph_ms"))
        rows.append([*row, f"{max(off):.1e}" if off else "–", *peers, graph])
    names = [*KERNELS, "fastest of each layer", "largest difference"]
    table(["base", *names, "PyTorch f32", "tf32", "bf16", "f32, CUDA graph"], rows)


def steps(trainer, device, base, batches, theirs):
    print(f"## Training steps of pix2pix, U-Net 256 of base {base}\n")
    rows = []
    for batch, precision in [(batch, precision) for precision in ("f32", "f16") for batch in batches]:
        words = [f"--base={base}", f"--batch={batch}", f"--precision={precision}", "--no-checkpoints"]
        with Watch() as watch:
            found, fault = ours(trainer, "bench", f"--device={device}", *words)
        step = ms(found[0]["step_ms"]) if found else fault
        rows.append(["this project", precision, batch, step, *watch.cells()])
    for peer in theirs:
        if peer["base"] == base:
            cells = [peer["peer"], peer["precision"], peer["batch"]]
            rows.append([*cells, ms(peer["step_ms"]), peer["busy"], peer["memory"]])
    table(["program", "precision", "batch", "step", "GPU busy", "most memory"], rows)


def pytorch(bases, batches, small):
    """Steps and forward passes: eager, in NHWC, and compiled; forward passes as a CUDA graph too."""
    try:
        import torch
        from pytorch import Level, median, patchgan, step_of
    except ImportError as error:
        print(f"PyTorch is not measured: {error}\n")
        return []
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu" and not small:
        print("PyTorch is not measured: it sees no CUDA device\n")
        return []
    torch.backends.cudnn.benchmark = True

    def finished(work):
        work()
        if device == "cuda":
            torch.cuda.synchronize()

    rows = []
    works = [(base, batch) for base in bases for batch in (batches if base == bases[-1] else [1])]
    ways = ["PyTorch", "PyTorch, NHWC", "PyTorch, compiled"]
    for way, precision, (base, batch) in [(a, b, c) for a in ways for b in ("f32", "tf32", "bf16") for c in works]:
        if way != "PyTorch" and base != bases[-1] or left() < SECONDS / 2:
            continue
        torch.backends.cuda.matmul.allow_tf32 = precision != "f32"
        torch.backends.cudnn.allow_tf32 = precision != "f32"
        net_g, net_d = Level(base, 0, 3).to(device), patchgan(base).to(device)
        real_a = torch.rand(batch, 3, 256, 256, device=device) * 2 - 1
        if way == "PyTorch, NHWC":
            net_g, net_d, real_a = (x.to(memory_format=torch.channels_last) for x in (net_g, net_d, real_a))
        step_g, step_d = net_g, net_d
        if way == "PyTorch, compiled":
            step_g, step_d = torch.compile(net_g), torch.compile(net_d)
        row = {"peer": way, "precision": precision, "base": base, "batch": batch}
        with Watch() as watch, torch.autocast(device, torch.bfloat16, enabled=precision == "bf16"):
            step = step_of(step_g, step_d, real_a, torch.rand_like(real_a) * 2 - 1)
            row["step_ms"] = median(lambda: finished(step))
            row["busy"], row["memory"] = watch.cells()
            if way == "PyTorch" and batch == 1:
                net_g.eval()
                with torch.inference_mode():
                    row["forward_ms"] = median(lambda: finished(lambda: net_g(real_a)))
                    if device == "cuda":
                        graph = torch.cuda.CUDAGraph()
                        with torch.cuda.graph(graph):
                            net_g(real_a)
                        row["forward_graph_ms"] = median(lambda: finished(graph.replay))
        rows.append(row)
    print(f"PyTorch {torch.__version__} on {torch.cuda.get_device_name() if device == 'cuda' else 'the processor'}\n")
    return rows


def main():
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--device", default="gpu", help="as `trainer devices` lists them")
    words.add_argument("--trainer", default=HERE / "trainer")
    words.add_argument("--small", action="store_true", help="tiny networks, to try this script itself")
    told = words.parse_args()
    bases, batches = ((4,), (1, 2)) if told.small else ((16, 64), (1, 8, 64))
    subprocess.run([told.trainer, "devices"], check=True)
    print(flush=True)
    check(told.trainer, told.device)
    theirs = pytorch(bases, batches, told.small)
    forward(told.trainer, told.device, bases, theirs)
    steps(told.trainer, told.device, bases[-1], batches, theirs)


main()
