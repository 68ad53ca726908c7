// EventSource: reads a stream of events (event_stream.h) as a browser's EventSource does: where it breaks it
// connects anew, and says by Last-Event-ID what it has seen.
//
//   EventSource source(std::move(client), "/seaworthy/v1/events");
//   SW_TRY(source.Run([](const Event& event) { Print(event); return true; }));
//
// EventParser is what it reads with. Each has one owner.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "net/client.h"
#include "net/event_stream.h"

namespace sw::net {

class EventParser {
 public:
  // The events that end in `bytes`; each has the id that was set last. RESOURCE_EXHAUSTED: a line or an event is too
  // long (limit event_bytes_max).
  Result<std::vector<Event>> Feed(std::string_view bytes);
  // A stream begins: what the one before it left unfinished is dropped, its last id is kept.
  void Restart();
  const std::string& LastId() const { return last_id_; }
  void SetLastId(std::string id) { last_id_ = std::move(id); }
  std::int64_t RetryMs() const { return retry_ms_; }

 private:
  void TakeLine(std::string_view line, std::vector<Event>& events);
  void TakeField(std::string_view name, std::string_view value);

  std::string line_;         // unfinished
  bool has_cr_ = false;      // ended the last line: a LF after it ends none
  bool is_begin_ = true;     // a byte order mark may come
  std::string type_, data_;  // of the event that is being read
  std::string id_;           // set by it or one before
  std::string last_id_;      // of the last event, or block without data
  std::int64_t retry_ms_ = 2'000;
};

class EventSource {
 public:
  struct Options {
    std::string last_id = {};  // to begin after; "": with what comes from now on
    // Before it connects anew, which it does for ever; false: enough. Empty: sleeps that long.
    std::function<bool(const Error& why, std::int64_t wait_ms)> wait = {};
  };
  EventSource(Client client, std::string target, Options options);

  // Until `on_event` says false. The first connection's error, and each that connecting anew would not mend: an
  // answer of 4xx, or of 204, which asks a client to stay away.
  Status Run(const std::function<bool(const Event&)>& on_event);

 private:
  struct Ended {
    bool is_final = false;
    Status status;
  };
  Ended ReadStream(const std::function<bool(const Event&)>& on_event);

  Client client_;
  const std::string target_;
  const Options options_;
  EventParser parser_;
  bool was_open_ = false;
};

}  // namespace sw::net
