"""In place of resemble-perth, whose wheel is 33 MB: speech carries no mark here, on neither side of a comparison."""


class PerthImplicitWatermarker:
    def apply_watermark(self, wav, sample_rate=None, **_):
        return wav
