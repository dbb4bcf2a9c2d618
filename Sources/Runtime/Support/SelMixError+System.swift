import Common
import Foundation

extension SelMixError {
    /// The error number of the system, when a file operation of Foundation failed; 0 where there is none.
    static func systemCode(of error: any Error) -> Int32 {
        let system = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError ?? error as NSError
        return system.domain == NSPOSIXErrorDomain ? Int32(system.code) : 0
    }

    /// What the system said when a file operation of Foundation failed.
    static func systemText(of error: any Error) -> String {
        let system = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError ?? error as NSError
        return system.domain == NSPOSIXErrorDomain
            ? String(cString: strerror(Int32(system.code))) : system.localizedDescription
    }
}
