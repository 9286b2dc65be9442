import Foundation

extension Audio {
    /// The quietest peak that still counts as a recording, in decibels of full scale.
    public static let silenceFloor = -60.0
    /// The magnitude of ``silenceFloor``, above which a sample is heard.
    public static let audibleMagnitude = Float(pow(10, silenceFloor / 20))

    /// This sound, once it can serve as a voice's reference.
    ///
    /// - Parameters:
    ///   - name: how the error calls it: a path, or what the caller gave.
    ///   - minimumSeconds: a shorter sound is refused.
    /// - Throws: ``AudioError`` for no samples, NaN or infinities, less than `minimumSeconds`, a peak under ``silenceFloor``, or
    ///   channels that cancel each other.
    @discardableResult
    public func checkedAsReference(named name: String, minimumSeconds: Double = 0.5) throws -> Audio {
        try checkedFinite(named: name)
        guard duration >= minimumSeconds else { throw AudioError.tooShort(name: name, seconds: duration, needed: minimumSeconds) }
        let peak = self.peak
        guard peak >= Audio.silenceFloor else { throw AudioError.silent(name: name, peak: peak, floor: Audio.silenceFloor) }
        // What is heard of several channels is their mean.
        if channels > 1, mono().level < level - Self.cancellation { throw AudioError.cancelling(name: name) }
        return self
    }

    /// How much quieter than its channels a mix is where they cancel each other, in decibels: unlike sounds lose 3 or 6.
    private static let cancellation = 30.0

    /// This sound, once it has samples and each is a number.
    @discardableResult
    func checkedFinite(named name: String) throws -> Audio {
        guard !samples.isEmpty else { throw AudioError.noSamples(name: name) }
        if let sample = samples.firstIndex(where: { !$0.isFinite }) { throw AudioError.notFinite(name: name, sample: sample) }
        return self
    }
}
