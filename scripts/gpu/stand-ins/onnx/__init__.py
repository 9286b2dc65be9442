"""A replacement for onnx, which s3tokenizer imports for reading a file that is not used here."""
