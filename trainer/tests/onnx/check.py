"""Runs the models of the folder in ONNX Runtime and prints, for each, what its own tools say of it
and how far its outputs are from those that are expected."""

import json
import pathlib
import sys

import numpy
import onnx
import onnxruntime

folder = pathlib.Path(sys.argv[1])


def lengths(value):
    return [value.name, *(length.dim_param or length.dim_value
                          for length in value.type.tensor_type.shape.dim)]


def floats(name, shape):
    return numpy.fromfile(folder / name, "<f4").reshape(shape)


def checked(case):
    path = folder / case["model"]
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    options = onnxruntime.SessionOptions()
    # A thread for each of hundreds of small models costs more than it gives.
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    worst, deviation = 0.0, 0.0
    for image in case["images"]:
        expected = floats(image["output"], image["output_shape"])
        [found] = session.run(["output"], {"input": floats(image["input"], image["input_shape"])})
        assert found.dtype == numpy.float32 and found.shape == expected.shape, found.shape
        worst = max(worst, float(abs(found - expected).max()))
        deviation = max(deviation, float(expected.std()))
    return {
        "worst": worst,
        "deviation": deviation,
        "input": [lengths(value) for value in model.graph.input],
        "output": [lengths(value) for value in model.graph.output],
        "opset": [opset.version for opset in model.opset_import],
        "properties": {it.key: it.value for it in model.metadata_props},
        "types": sorted({tensor.data_type for tensor in model.graph.initializer}),
    }


print(json.dumps([checked(case) for case in json.loads((folder / "cases.json").read_text())]))
