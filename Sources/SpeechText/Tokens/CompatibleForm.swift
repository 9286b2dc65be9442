import Foundation
import Synchronization

/// Text decomposed by compatibility (Unicode's NFKD), which Foundation does slowly: what each character becomes is kept.
enum CompatibleForm {
    private struct Known {
        /// Of the scalars of most scripts: whether they stay as they are and nothing is sorted around them.
        var staying = [Bool](repeating: false, count: 0x3400)
        /// What others become, and whether marks that are sorted are among that.
        var becoming: [Unicode.Scalar: (scalars: [Unicode.Scalar], hasMarks: Bool)] = [:]
    }

    private static let known = Mutex(Known())

    static func of(_ text: String) -> String {
        known.withLock { known in
            var result: [Unicode.Scalar] = []
            result.reserveCapacity(text.utf8.count)
            for scalar in text.unicodeScalars {
                if scalar.value < 0x3400, known.staying[Int(scalar.value)] {
                    result.append(scalar)
                    continue
                }
                let (scalars, hasMarks) = known.becoming[scalar] ?? look(scalar, &known)
                // Neighbouring marks have an order of their own.
                if hasMarks, result.last.map(isMark) == true || scalars.count(where: isMark) > 1 {
                    return text.decomposedStringWithCompatibilityMapping
                }
                result += scalars
            }
            return String(scalars: result)
        }
    }

    private static func look(_ scalar: Unicode.Scalar, _ known: inout Known) -> (scalars: [Unicode.Scalar], hasMarks: Bool) {
        let scalars = Array(String(scalar).decomposedStringWithCompatibilityMapping.unicodeScalars)
        let found = (scalars: scalars, hasMarks: scalars.contains(where: isMark))
        if scalar.value < 0x3400, scalars == [scalar], !found.hasMarks { known.staying[Int(scalar.value)] = true }
        if known.becoming.count < 1 << 16 { known.becoming[scalar] = found }
        return found
    }

    private static func isMark(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.canonicalCombiningClass != .notReordered }
}
