"""A replacement for resemble-perth, whose wheel is 33 MB: in these comparisons neither side adds a watermark."""


class PerthImplicitWatermarker:
    def apply_watermark(self, wav, sample_rate=None, **_):
        return wav
