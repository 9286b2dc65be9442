import Foundation

/// What has been printed goes out now: someone waits for it.
func flush() { fflush(nil) }
