"""One way to open a network: on the CPU, quiet, with a bounded number of threads."""

from __future__ import annotations

from pathlib import Path

import onnxruntime


def open_session(model: Path | bytes, *, threads: int = 1) -> onnxruntime.InferenceSession:
    """Open an ONNX file or its bytes. `threads` bounds the cores that one run may use."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    source = str(model) if isinstance(model, Path) else model
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
