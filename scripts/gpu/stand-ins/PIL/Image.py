from enum import IntEnum


class Resampling(IntEnum):
    NEAREST, LANCZOS, BILINEAR, BICUBIC = range(4)


class Image:
    pass
