import Foundation

/// What a pickle holds: the part of Python's objects that checkpoints are made of.
indirect enum PickledValue {
    case none
    case bool(Bool)
    case int(Int)
    case float(Double)
    case string(String)
    case tuple([PickledValue])
    case list(PickledList)
    case dictionary(PickledDictionary)
    /// Bytes in the archive, by the key under which they are stored.
    case storage(key: String, dtype: DType)
    case tensor(PickledTensor)
    /// A class or function, by its full name; it is never called.
    case global(String)
    /// An object of some other class, of which nothing is known.
    case object(String)
}

/// Lists and dictionaries change after they have been noted for later reference.
final class PickledList { var elements: [PickledValue] = [] }
final class PickledDictionary { var entries: [(key: PickledValue, value: PickledValue)] = [] }

/// A tensor as a stretch of a storage.
struct PickledTensor {
    let key: String
    let dtype: DType
    /// Elements from the storage's beginning.
    let offset: Int
    let shape, strides: [Int]

    /// Whether its elements lie one after the other.
    var isContiguous: Bool {
        var step = 1
        for (length, stride) in zip(shape, strides).reversed() {
            guard length == 1 || stride == step else { return false }
            step = length == 1 ? step : step &* length
        }
        return true
    }
}

/// Reads the pickle of a `torch.save` archive.
///
/// A pickle is a program for a stack machine, and Python's own reader runs whatever functions it names. This one knows
/// the few that rebuild tensors and dictionaries, and treats all others as labels. Format: Python's `pickletools`.
struct Unpickler {
    struct Problem: Error { let reason: String }

    private var bytes: LittleEndian
    private var place = 0
    private var stack: [PickledValue] = []
    private var marks: [Int] = []
    private var memo: [Int: PickledValue] = [:]

    /// - Throws: ``Problem`` where it is cut off or holds what no checkpoint does.
    static func read(_ bytes: UnsafeRawBufferPointer) throws -> PickledValue {
        var unpickler = Unpickler(bytes: LittleEndian(bytes))
        do { return try unpickler.run() } catch let problem as ZipDirectory.Problem { throw Problem(reason: problem.reason) }
    }

    private init(bytes: LittleEndian) { self.bytes = bytes }

    private mutating func run() throws -> PickledValue {
        while true {
            let code = try UInt8(number(UInt8.self))
            switch Character(UnicodeScalar(code)) {
            case ".": return try pop()
            case "\u{80}": _ = try number(UInt8.self)
            case "\u{95}": _ = try number(UInt64.self)
            case "N": stack.append(.none)
            case "\u{88}": stack.append(.bool(true))
            case "\u{89}": stack.append(.bool(false))
            case "K": stack.append(.int(try number(UInt8.self)))
            case "M": stack.append(.int(try number(UInt16.self)))
            case "J": stack.append(.int(try number(Int32.self)))
            case "\u{8A}": stack.append(.int(try long()))
            case "G": stack.append(.float(try float()))
            case "X": stack.append(.string(try text(number(UInt32.self))))
            case "\u{8C}", "U": stack.append(.string(try text(number(UInt8.self))))
            case "T": stack.append(.string(try text(number(UInt32.self))))
            case "(": marks.append(stack.count)
            case ")": stack.append(.tuple([]))
            case "]": stack.append(.list(PickledList()))
            case "}": stack.append(.dictionary(PickledDictionary()))
            case "t": stack.append(.tuple(try popToMark()))
            case "\u{85}": stack.append(.tuple(try pop(1)))
            case "\u{86}": stack.append(.tuple(try pop(2)))
            case "\u{87}": stack.append(.tuple(try pop(3)))
            case "a": try extend(by: pop(1))
            case "e": try extend(by: popToMark())
            case "s": try set(pop(2))
            case "u": try set(popToMark())
            case "q": try note(number(UInt8.self))
            case "r": try note(number(UInt32.self))
            case "\u{94}": try note(memo.count)
            case "h": try recall(number(UInt8.self))
            case "j": try recall(number(UInt32.self))
            case "c": stack.append(.global("\(try line()).\(try line())"))
            case "\u{93}":
                let names = try pop(2)
                guard case .string(let module) = names[0], case .string(let name) = names[1] else { throw Problem(reason: "a name in it is no text") }
                stack.append(.global("\(module).\(name)"))
            case "R", "\u{81}": try call(arguments: pop())
            // What an object or a dictionary carries besides its contents, such as a state dictionary's version numbers.
            case "b": _ = try pop()
            case "Q": stack.append(try storage(pop()))
            case "0": _ = try pop()
            default: throw Problem(reason: String(format: "it holds a kind of Python object that checkpoints do not (pickle code %02X)", code))
            }
        }
    }

    // MARK: bytes

    private mutating func number<Number: FixedWidthInteger>(_ type: Number.Type) throws -> Int {
        defer { place += MemoryLayout<Number>.size }
        return try bytes.number(place, type)
    }

    private mutating func text(_ count: Int) throws -> String {
        defer { place += count }
        return String(decoding: try bytes.slice(place, count), as: UTF8.self)
    }

    private mutating func line() throws -> String {
        var end = place
        while try bytes.number(end, UInt8.self) != 10 { end += 1 }
        defer { place = end + 1 }
        return String(decoding: try bytes.slice(place, end - place), as: UTF8.self)
    }

    /// Two's complement, the lowest byte first.
    private mutating func long() throws -> Int {
        let count = try number(UInt8.self)
        guard count <= 8 else { throw Problem(reason: "a number in it is too large") }
        let digits = try bytes.slice(place, count)
        place += count
        guard let last = digits.last else { return 0 }
        let sign: Int = last >= 0x80 ? -1 : 0
        return digits.reversed().reduce(sign) { $0 << 8 | Int($1) }
    }

    private mutating func float() throws -> Double {
        defer { place += 8 }
        return try Double(bitPattern: UInt64(bigEndian: bytes.slice(place, 8).loadUnaligned(as: UInt64.self)))
    }

    // MARK: stack

    private var floor: Int { marks.last ?? 0 }

    private mutating func pop() throws -> PickledValue { try pop(1)[0] }

    private mutating func pop(_ count: Int) throws -> [PickledValue] {
        guard stack.count - floor >= count else { throw Problem(reason: "its pickle is damaged") }
        defer { stack.removeLast(count) }
        return Array(stack.suffix(count))
    }

    private mutating func popToMark() throws -> [PickledValue] {
        guard let mark = marks.popLast() else { throw Problem(reason: "its pickle is damaged") }
        defer { stack.removeSubrange(mark...) }
        return Array(stack[mark...])
    }

    private mutating func note(_ index: Int) throws {
        guard let top = stack.last else { throw Problem(reason: "its pickle is damaged") }
        memo[index] = top
    }

    private mutating func recall(_ index: Int) throws {
        guard let value = memo[index] else { throw Problem(reason: "its pickle is damaged") }
        stack.append(value)
    }

    private mutating func extend(by elements: [PickledValue]) throws {
        // Elements of an unknown object are as unknown as itself.
        switch stack.last {
        case .list(let list): list.elements += elements
        case .object: break
        default: throw Problem(reason: "its pickle is damaged")
        }
    }

    private mutating func set(_ items: [PickledValue]) throws {
        guard items.count.isMultiple(of: 2) else { throw Problem(reason: "its pickle is damaged") }
        switch stack.last {
        case .dictionary(let dictionary):
            dictionary.entries += stride(from: 0, to: items.count, by: 2).map { (items[$0], items[$0 + 1]) }
        case .object: break
        default: throw Problem(reason: "its pickle is damaged")
        }
    }

    // MARK: objects

    private mutating func call(arguments: PickledValue) throws {
        guard case .global(let name) = try pop(), case .tuple(let arguments) = arguments else { throw Problem(reason: "its pickle is damaged") }
        switch name {
        case "collections.OrderedDict": stack.append(.dictionary(PickledDictionary()))
        case "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor": stack.append(.tensor(try tensor(arguments)))
        case "torch._utils._rebuild_parameter":
            guard let data = arguments.first else { throw Problem(reason: "its pickle is damaged") }
            stack.append(data)
        default: stack.append(.object(name))
        }
    }

    private func tensor(_ arguments: [PickledValue]) throws -> PickledTensor {
        guard arguments.count >= 4, case .storage(let key, let dtype) = arguments[0], case .int(let offset) = arguments[1],
              case .tuple(let shape) = arguments[2], case .tuple(let strides) = arguments[3], shape.count == strides.count
        else { throw Problem(reason: "a tensor in it is damaged") }
        func numbers(_ values: [PickledValue]) throws -> [Int] {
            try values.map {
                guard case .int(let number) = $0, number >= 0 else { throw Problem(reason: "a tensor in it is damaged") }
                return number
            }
        }
        return PickledTensor(key: key, dtype: dtype, offset: offset, shape: try numbers(shape), strides: try numbers(strides))
    }

    private func storage(_ identity: PickledValue) throws -> PickledValue {
        guard case .tuple(let parts) = identity, parts.count >= 3, case .string("storage") = parts[0],
              case .global(let type) = parts[1], case .string(let key) = parts[2] else { throw Problem(reason: "a tensor in it is damaged") }
        guard let dtype = Self.storages[type] else { throw Problem(reason: "it holds a tensor of the unknown type \(type)") }
        return .storage(key: key, dtype: dtype)
    }

    private static let storages: [String: DType] = [
        "torch.FloatStorage": .float32, "torch.DoubleStorage": .float64, "torch.HalfStorage": .float16,
        "torch.BFloat16Storage": .bfloat16, "torch.LongStorage": .int64, "torch.IntStorage": .int32, "torch.ShortStorage": .int16,
        "torch.CharStorage": .int8, "torch.ByteStorage": .uint8, "torch.BoolStorage": .bool, "torch.ComplexFloatStorage": .complex64,
    ]
}
