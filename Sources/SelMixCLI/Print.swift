import Runtime

/// Prints a result. In this module it stands for the standard library's function, which says nothing of what it could not
/// write.
func print(_ text: String, terminator: String = "\n") { StandardOutput.write(text + terminator) }
