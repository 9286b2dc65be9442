"""A replacement for Pillow, which diffusers imports for pictures that are not needed here."""
__version__ = "13.0.0"
