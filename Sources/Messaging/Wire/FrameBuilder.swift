import CProtocol

/// A header frame under construction, with the C memory that its parts need.
public final class FrameBuilder: MessageMemory {
    var frame = Selmix__Wire__Frame()

    override init() {
        super.init()
        selmix__wire__frame__init(&frame)
    }
}
