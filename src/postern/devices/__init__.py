"""The rim: the only code that knows a protocol, a file format or a model."""
