import ArgumentParser

/// Bytes as people write them: 8G, 512M, 1.5G or 800000000.
struct ByteCount: ExpressibleByArgument, Equatable {
    let bytes: Int

    init?(argument: String) {
        let units: [Character: Double] = ["K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12]
        let text = argument.uppercased().hasSuffix("B") ? argument.dropLast() : argument[...]
        let unit = text.last.flatMap { units[Character($0.uppercased())] }
        guard let number = Double(unit == nil ? text : text.dropLast()), number.isFinite, (0...1e18).contains(number * (unit ?? 1)) else {
            return nil
        }
        bytes = Int(number * (unit ?? 1))
    }
}
