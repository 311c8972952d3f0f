#pragma once

#include <string>

namespace attacker {

// The first flight of a TLS 1.3 client that wants HTTP/2, as OpenSSL writes it.
std::string client_hello();

}  // namespace attacker
