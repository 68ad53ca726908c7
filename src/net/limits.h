// Limits of the server. Every one has a name, an error that says it, and a counter
// net_refused_total{limit="..."}. Immutable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sw::net {

struct Limits {
  std::size_t header_bytes_max = 16u << 10;    // request line and fields
  std::size_t header_count_max = 100;
  std::size_t body_bytes_max = 64u << 20;      // one buffered body, where the route says nothing
  std::size_t bodies_bytes_max = 256u << 20;   // all buffered bodies together
  std::size_t connections_max = 1024;
  std::size_t requests_per_second_max = 0;     // of one address; 0: no limit
  std::size_t stream_buffer_bytes_max = 1u << 20;  // a streamed answer waiting for its client
  std::int64_t header_timeout_ms = 10'000;  // from a request's first byte to the end of its fields
  std::int64_t idle_timeout_ms = 75'000;    // between requests
  std::int64_t body_timeout_ms = 30'000;    // without a byte of a body that somebody waits for
  std::int64_t write_timeout_ms = 30'000;   // without progress of an answer

  // Of one HTTP/2 connection.
  std::size_t streams_max = 256;                     // requests at once
  std::size_t connection_bytes_max = 128u << 20;     // of bodies and answers that wait
  std::size_t resets_per_second_max = 1'000;         // ten times as many at once, here and below
  std::size_t idle_frames_per_second_max = 5'000;    // that carry nothing of a request
  std::int64_t keepalive_ms = 60'000;                // of silence before we ask whether the client is there
  std::int64_t keepalive_timeout_ms = 20'000;        // for its answer
  std::int64_t connection_age_max_ms = 0;            // then clients are asked to connect anew; 0: never
};

// Names as they appear in errors and counters.
inline constexpr std::string_view kLimitNames[] = {
    "header_bytes_max",  "header_count_max",        "body_bytes_max",    "bodies_bytes_max",
    "connections_max",   "stream_buffer_bytes_max", "header_timeout_ms", "idle_timeout_ms",
    "body_timeout_ms",   "write_timeout_ms",        "loopback_host",     "malformed",
    "requests_per_second_max", "connection_bytes_max", "resets_per_second_max", "pings_per_second_max",
    "idle_frames_per_second_max", "keepalive_timeout_ms", "tls_only", "tls_handshake"};

}  // namespace sw::net
