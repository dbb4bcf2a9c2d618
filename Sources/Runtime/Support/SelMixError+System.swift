import Common
import Foundation

extension SelMixError {
    /// What the system said when a file operation of Foundation failed.
    static func systemText(of error: any Error) -> String {
        let system = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError ?? error as NSError
        return system.domain == NSPOSIXErrorDomain
            ? String(cString: strerror(Int32(system.code))) : system.localizedDescription
    }
}
