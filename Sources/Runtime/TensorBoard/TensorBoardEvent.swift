import CProtocol
import Messaging

/// One record of an event file.
struct TensorBoardEvent: Equatable {
    enum Content: Equatable {
        case version(String)
        case values([Value])
    }

    struct Value: Equatable {
        enum Kind: Equatable {
            case scalar(Float)
            case histogram(ValueHistogram)
        }

        var tag: String
        var kind: Kind
    }

    /// Seconds since 1970.
    var time: Double
    var step: Int
    var content: Content

    func encoded() -> [UInt8] {
        let memory = MessageMemory()
        let event = memory.place(Selmix__Tensorboard__Event(), selmix__tensorboard__event__init) {
            $0.wall_time = time
            $0.step = Int64(step)
            switch content {
            case .version(let version):
                $0.what_case = SELMIX__TENSORBOARD__EVENT__WHAT_FILE_VERSION
                $0.file_version = memory.string(version)
            case .values(let values):
                $0.what_case = SELMIX__TENSORBOARD__EVENT__WHAT_SUMMARY
                $0.summary = memory.place(Selmix__Tensorboard__Summary(), selmix__tensorboard__summary__init) {
                    $0.n_values = values.count
                    $0.values = memory.array(values.map { $0.placed(in: memory) })
                }
            }
        }
        return [UInt8](unsafeUninitializedCapacity: selmix__tensorboard__event__get_packed_size(event)) {
            buffer, count in
            count = selmix__tensorboard__event__pack(event, buffer.baseAddress)
        }
    }
}

extension TensorBoardEvent.Value {
    fileprivate func placed(in memory: MessageMemory) -> UnsafeMutablePointer<Selmix__Tensorboard__Value>? {
        memory.place(Selmix__Tensorboard__Value(), selmix__tensorboard__value__init) {
            $0.tag = memory.string(tag)
            switch kind {
            case .scalar(let value):
                $0.value_case = SELMIX__TENSORBOARD__VALUE__VALUE_SIMPLE_VALUE
                $0.simple_value = value
            case .histogram(let histogram):
                $0.value_case = SELMIX__TENSORBOARD__VALUE__VALUE_HISTOGRAM
                $0.histogram = memory.place(
                    Selmix__Tensorboard__Histogram(), selmix__tensorboard__histogram__init
                ) {
                    ($0.min, $0.max, $0.count) = (histogram.min, histogram.max, histogram.count)
                    ($0.sum, $0.sum_of_squares) = (histogram.sum, histogram.sumOfSquares)
                    $0.n_bucket_limits = histogram.limits.count
                    $0.bucket_limits = memory.array(histogram.limits)
                    $0.n_bucket_counts = histogram.counts.count
                    $0.bucket_counts = memory.array(histogram.counts)
                }
            }
        }
    }
}

/// What is read back of an event: which tags have a value at which step.
struct TensorBoardMark: Equatable {
    var step: Int
    var tags: [String]

    /// - Returns: nil when the bytes are no event.
    init?(decoding bytes: ArraySlice<UInt8>) {
        guard
            let event = bytes.withUnsafeBufferPointer({
                selmix__tensorboard__event__unpack(nil, $0.count, $0.baseAddress)
            })
        else { return nil }
        defer { selmix__tensorboard__event__free_unpacked(event, nil) }
        step = Int(event.pointee.step)
        tags = []
        guard event.pointee.what_case == SELMIX__TENSORBOARD__EVENT__WHAT_SUMMARY else { return }
        let summary = event.pointee.summary.pointee
        tags = (0..<summary.n_values).compactMap { summary.values[$0].map { String(cString: $0.pointee.tag) } }
    }
}
