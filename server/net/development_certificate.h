#pragma once

#include <string>

#include "base/result.h"
#include "base/time.h"

namespace selvage::net {

struct CertificateFiles {
    std::string certificate;
    std::string key;
    bool made = false;  // now, and not found
};

// A self-signed certificate for localhost, 127.0.0.1 and ::1, made once and kept in `folder` as dev-cert.pem and dev-key.pem
// (mode 0600): ECDSA P-256, 365 days, the longest that browsers accept. One that is broken or ends within a day is made again.
// Errors: Internal when the folder cannot be written.
Result<CertificateFiles> development_certificate(const std::string& folder, WallTime now);

}  // namespace selvage::net
