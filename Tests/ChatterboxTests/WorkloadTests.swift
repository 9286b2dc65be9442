import Chatterbox
import Testing

@Suite("Workload")
struct WorkloadTests {
    @Test("a token of the English model reads half a billion weights once, whatever the rows")
    func decoding() {
        let t3 = T3Configuration.chatterbox
        let one = t3.decodingWorkload(rows: 1, length: 0, bytesPerWeight: 4), two = t3.decodingWorkload(rows: 2, length: 0, bytesPerWeight: 4)
        #expect(one.bytes == two.bytes)
        #expect(2 * one.operations == two.operations)
        #expect((1.9e9...2.2e9).contains(one.bytes))
        #expect((0.33e9...0.38e9).contains(T3Configuration.nano.decodingWorkload(rows: 1, length: 0, bytesPerWeight: 4).bytes))
    }

    @Test("looking back costs more the longer the past")
    func attention() {
        let t3 = T3Configuration.chatterbox
        let short = t3.decodingWorkload(rows: 2, length: 100, bytesPerWeight: 1), long = t3.decodingWorkload(rows: 2, length: 1000, bytesPerWeight: 1)
        #expect(long.bytes > short.bytes && long.operations > short.operations)
    }

    @Test("the flow's steps and guidance multiply its work; mean flow needs a tenth")
    func flow() {
        let guided = FlowConfiguration.chatterbox.workload(tokens: 350, steps: 10)
        let mean = FlowConfiguration.meanFlow.workload(tokens: 350, steps: 2)
        // 14 s of prompt and speech: about 3 TFLOP counted by hand from upstream's layers.
        #expect((0.8e12...4e12).contains(guided.operations))
        #expect((8.0...12).contains(guided.operations / mean.operations))
    }

    @Test("the vocoder needs tens of GFLOP for a second of audio, and as much for every second")
    func vocoder() {
        let one = VocoderConfiguration.chatterbox.workload(frames: 50), ten = VocoderConfiguration.chatterbox.workload(frames: 500)
        #expect((15e9...40e9).contains(one.operations))
        #expect(abs(ten.operations / one.operations - 10) < 1e-9)
        #expect(ten.bytes == one.bytes)
    }

    @Test("a stage takes as long as what binds it")
    func limits() {
        let work = Workload(operations: 100, bytes: 10)
        #expect(work.seconds(bytesPerSecond: 1, operationsPerSecond: 1000) == 10)
        #expect(work.seconds(bytesPerSecond: 1000, operationsPerSecond: 10) == 10)
    }
}
