"""In place of onnx, which s3tokenizer imports for reading a file that nobody has here."""
