/// The contents of a pickle that consists only of dictionaries, lists, tuples, texts, numbers and tensors.
///
/// A pickle is a program for a stack machine. Python's own reader calls every function that the program names. This one supports only the few names
/// that construct tensors and dictionaries, and represents objects of other classes by placeholders, so that reading executes nothing. Memory grows
/// in proportion to the pickle's length. Format: the comments of Python's `pickletools.py`.
struct Pickle {
    /// A value. Values with elements are indices into the arrays below, so that they can refer to one another without reference cycles.
    enum Value {
        case none, bool(Bool), integer(Int), number(Double), text(String)
        case container(Int), tensor(Int), storage(Int)
        /// A class or a function; never called.
        case name(String)
        /// An object of unknown class, without its contents.
        case object
    }
    struct Container {
        enum Kind { case tuple, list, dictionary }
        let kind: Kind
        /// The elements; those of a dictionary are alternately keys and values.
        var items: [Value]
    }
    /// Elements in memory that tensors share.
    struct Storage {
        let dtype: DType
        let key: String
        let count: Int
    }
    /// A view of a storage; sizes, strides and offset count elements.
    struct View {
        let storage: Int
        let offset: Int
        let shape, strides: [Int]
    }

    private(set) var root = Value.none
    private(set) var containers: [Container] = []
    private(set) var storages: [Storage] = []
    private(set) var views: [View] = []

    private var stack: [Value] = []
    private var marks: [Int] = []
    private var memo: [Value] = []

    init(_ bytes: UnsafeRawBufferPointer) throws(ArchiveProblem) {
        var reader = ByteReader(bytes)
        while try step(&reader) {}
        (stack, marks, memo) = ([], [], [])
    }

    /// Executes one instruction; false after the last one.
    private mutating func step(_ reader: inout ByteReader) throws(ArchiveProblem) -> Bool {
        let code = try reader.integer(UInt8.self)
        switch UnicodeScalar(code) {
        case "\u{80}":
            let version = try reader.integer(UInt8.self)
            guard version <= 5 else { throw ArchiveProblem(text: "its pickle has the unknown protocol \(version)", isForeign: true) }
        case "\u{95}": _ = try reader.integer(UInt64.self)
        case ".":
            root = try pop()
            return false
        case "N": stack.append(.none)
        case "\u{88}": stack.append(.bool(true))
        case "\u{89}": stack.append(.bool(false))
        case "J": stack.append(.integer(Int(try reader.integer(Int32.self))))
        case "K": stack.append(.integer(Int(try reader.integer(UInt8.self))))
        case "M": stack.append(.integer(Int(try reader.integer(UInt16.self))))
        case "\u{8A}": stack.append(.integer(try longInteger(&reader)))
        case "G": stack.append(.number(Double(bitPattern: try reader.integer(UInt64.self).byteSwapped)))
        case "X", "T": stack.append(.text(try reader.text(reader.length(UInt32.self))))
        case "U", "\u{8C}": stack.append(.text(try reader.text(reader.length(UInt8.self))))
        case "}": push(.dictionary, [])
        case "]": push(.list, [])
        case ")": push(.tuple, [])
        case "(": marks.append(stack.count)
        case "t": push(.tuple, try popToMark())
        case "\u{85}": push(.tuple, try pop(1))
        case "\u{86}": push(.tuple, try pop(2))
        case "\u{87}": push(.tuple, try pop(3))
        case "a": try extend(.list, with: pop(1))
        case "e": try extend(.list, with: popToMark())
        case "s": try extend(.dictionary, with: pop(2))
        case "u": try extend(.dictionary, with: popToMark())
        case "q": try remember(at: Int(reader.integer(UInt8.self)))
        case "r": try remember(at: reader.length(UInt32.self))
        case "\u{94}": try remember(at: memo.count)
        case "h": try recall(Int(reader.integer(UInt8.self)))
        case "j": try recall(reader.length(UInt32.self))
        case "c":
            let module = try reader.line()
            try name(module, reader.line())
        case "\u{93}":
            guard case .text(let name) = try pop(), case .text(let module) = try pop() else { throw Self.disorder }
            try self.name(module, name)
        case "Q": stack.append(.storage(try storage(pop())))
        case "R", "\u{81}": try call()
        // Attributes of an object besides its contents, such as the versions of a state dictionary's modules.
        case "b": _ = try pop()
        case "0": _ = try pop()
        default: throw ArchiveProblem(text: "its pickle has the instruction \(code), which checkpoints do not have", isForeign: true)
        }
        return true
    }

    // MARK: the stack

    private mutating func pop() throws(ArchiveProblem) -> Value {
        guard stack.count > (marks.last ?? 0), let value = stack.popLast() else { throw Self.disorder }
        return value
    }

    private mutating func pop(_ count: Int) throws(ArchiveProblem) -> [Value] {
        guard stack.count - (marks.last ?? 0) >= count else { throw Self.disorder }
        defer { stack.removeLast(count) }
        return Array(stack.suffix(count))
    }

    private mutating func popToMark() throws(ArchiveProblem) -> [Value] {
        guard let mark = marks.popLast() else { throw Self.disorder }
        defer { stack.removeSubrange(mark...) }
        return Array(stack[mark...])
    }

    private mutating func push(_ kind: Container.Kind, _ items: [Value]) {
        containers.append(Container(kind: kind, items: items))
        stack.append(.container(containers.count - 1))
    }

    /// Adds items to the container on top of the stack; items of an unknown object are dropped.
    private mutating func extend(_ kind: Container.Kind, with items: [Value]) throws(ArchiveProblem) {
        if case .object? = stack.last { return }
        guard case .container(let index)? = stack.last, stack.count > (marks.last ?? 0), containers[index].kind == kind,
            kind != .dictionary || items.count % 2 == 0
        else { throw Self.disorder }
        containers[index].items += items
    }

    /// Python numbers its memo without gaps.
    private mutating func remember(at position: Int) throws(ArchiveProblem) {
        guard let value = stack.last, position <= memo.count else { throw Self.disorder }
        if position == memo.count { memo.append(value) } else { memo[position] = value }
    }

    private mutating func recall(_ position: Int) throws(ArchiveProblem) {
        guard memo.indices.contains(position) else { throw Self.disorder }
        stack.append(memo[position])
    }

    private func longInteger(_ reader: inout ByteReader) throws(ArchiveProblem) -> Int {
        let bytes = try reader.take(Int(reader.integer(UInt8.self)))
        guard bytes.count <= 8 else { throw ArchiveProblem(text: "a number in its pickle has more than 64 bits", isForeign: true) }
        guard let last = bytes.last else { return 0 }
        var value = last >= 0x80 ? -1 : 0
        for byte in bytes.reversed() { value = value << 8 | Int(byte) }
        return value
    }

    private static let disorder = ArchiveProblem(text: "its pickle contradicts itself")

    // MARK: names

    private mutating func name(_ module: String, _ name: String) throws(ArchiveProblem) {
        let full = "\(module).\(name)"
        guard !Self.isHarmful(module: module, name: name) else {
            throw ArchiveProblem(
                text: "opening it with Python could call \(full), which no model needs; do not trust its source", isForeign: true)
        }
        stack.append(.name(full))
    }

    /// Modules that start programs, execute code, access the network or change files. Nothing of them is called here, but a file of weights that
    /// names them was made with bad intent, and Python would call them.
    private static func isHarmful(module: String, name: String) -> Bool {
        let modules: Set<Substring> = [
            "os", "posix", "nt", "subprocess", "sys", "shutil", "socket", "runpy", "importlib", "pty", "pip", "ctypes", "code", "codeop", "commands",
            "webbrowser", "multiprocessing", "asyncio", "marshal", "pickle", "_pickle", "dill", "cloudpickle", "requests", "urllib", "http", "timeit",
            "bdb", "pdb", "pydoc", "platform", "signal", "threading", "_thread", "tempfile", "ftplib", "smtplib",
        ]
        let builtins: Set<String> = [
            "eval", "exec", "compile", "open", "__import__", "getattr", "setattr", "globals", "breakpoint", "input", "apply", "execfile",
        ]
        let top = module.split(separator: ".").first ?? ""
        if modules.contains(top) { return true }
        if ["builtins", "__builtin__", "__builtins__"].contains(top) { return builtins.contains(name) }
        if top == "torch" { return ["load", "hub", "compile"].contains(name) || module == "torch.hub" || module.hasPrefix("torch.serialization") }
        return ["operator", "_operator", "functools"].contains(top) && !["OrderedDict"].contains(name)
    }

    /// Constructs what the supported names construct; other calls result in an unknown object.
    private mutating func call() throws(ArchiveProblem) {
        let arguments = try pop()
        guard case .name(let name) = try pop(), let items = elements(arguments, .tuple) else { throw Self.disorder }
        switch name {
        case "collections.OrderedDict": push(.dictionary, [])
        case "torch._utils._rebuild_parameter":
            guard case .tensor(let index)? = items.first else { throw Self.disorder }
            stack.append(.tensor(index))
        case "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor":
            guard items.count >= 4, case .storage(let storage) = items[0], case .integer(let offset) = items[1],
                let shape = integers(items[2]), let strides = integers(items[3]), shape.count == strides.count
            else { throw Self.disorder }
            views.append(View(storage: storage, offset: offset, shape: shape, strides: strides))
            stack.append(.tensor(views.count - 1))
        default: stack.append(.object)
        }
    }

    /// The storage that ("storage", type, key, device, count) describes.
    private mutating func storage(_ description: Value) throws(ArchiveProblem) -> Int {
        guard let items = elements(description, .tuple), items.count == 5, case .text("storage") = items[0],
            case .name(let type) = items[1], case .text(let key) = items[2], case .integer(let count) = items[4], count >= 0
        else { throw Self.disorder }
        guard let dtype = DType(storageName: type) else {
            throw ArchiveProblem(text: "it holds elements of type \(type), which are not read", isForeign: true)
        }
        storages.append(Storage(dtype: dtype, key: key, count: count))
        return storages.count - 1
    }

    private func elements(_ value: Value, _ kind: Container.Kind) -> [Value]? {
        guard case .container(let index) = value, containers[index].kind == kind else { return nil }
        return containers[index].items
    }

    private func integers(_ value: Value) -> [Int]? {
        guard let items = elements(value, .tuple) else { return nil }
        var numbers: [Int] = []
        for item in items {
            guard case .integer(let number) = item else { return nil }
            numbers.append(number)
        }
        return numbers
    }
}

extension DType {
    /// From the name of Python's class for the storage of such elements.
    init?(storageName name: String) {
        switch name {
        case "torch.FloatStorage": self = .float32
        case "torch.DoubleStorage": self = .float64
        case "torch.HalfStorage": self = .float16
        case "torch.BFloat16Storage": self = .bfloat16
        case "torch.LongStorage": self = .int64
        case "torch.IntStorage": self = .int32
        case "torch.ShortStorage": self = .int16
        case "torch.CharStorage": self = .int8
        case "torch.ByteStorage": self = .uint8
        case "torch.BoolStorage": self = .bool
        case "torch.ComplexFloatStorage": self = .complex64
        default: return nil
        }
    }
}
