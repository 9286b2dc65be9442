"""In place of Pillow, which diffusers imports for pictures that nobody makes here."""
__version__ = "13.0.0"
