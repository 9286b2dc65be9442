import Foundation
import TestSupport
import Testing
import Torch

// example
struct FeedForward {
    let up, down: Linear

    init(_ weights: Weights, width: Int) throws {
        up = try Linear(weights["up"], from: width, to: 4 * width)
        down = try Linear(weights["down"], from: 4 * width, to: width)
    }

    func callAsFunction(_ x: Tensor) throws -> Tensor { try down(up(x).gelu()) }
}
// end of the example

@Suite("Documentation of Torch") struct DocumentationTests {
    private func print(_ items: Any...) {}

    @Test("the page's first example computes attention") func attention() throws {
        // example
        let generator = try Generator(seed: 7)
        let queries = try Tensor.randn([2, 5, 8], generator: generator)
        let keys = try Tensor.randn([2, 9, 8], generator: generator)
        let weights = try (queries.matmul(keys.transposed(1, 2)) / 8.0.squareRoot()).softmax(axis: -1)
        print(weights.shape, try weights[0, 0, ..<3].array(of: Float.self))
        // end of the example
        #expect(weights.shape == [2, 5, 9])
    }

    @Test("the page's layer loads and runs") func layer() throws {
        let folder = try TemporaryFolder()
        let file = folder.url.appending(path: "model.safetensors")
        let made = Weights(initialising: try Generator(seed: 1))
        _ = try FeedForward(made["mlp"], width: 8)
        try SafetensorsWriter.write(made.parameters, to: file)
        // example
        let weights = try Weights.load(file)
        let layer = try FeedForward(weights["mlp"], width: 8)
        try weights.requireAllUsed()
        let y = try layer(Tensor.ones([1, 8]))
        // end of the example
        #expect(y.shape == [1, 8])
    }

    @Test("the page's examples are the tested ones") func same() throws {
        let page = try DocumentedExample.inPage("Sources/Torch/Documentation.docc/Torch.md").joined()
        let here = try DocumentedExample.inSource(#filePath)
        #expect(here.count == 3)
        for example in here { #expect(page.contains(example), "\(example)") }
    }
}
