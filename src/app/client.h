// Client: a command's way to the native API: over HTTP to the server that the setting "server"
// names, else in this process on the data folder that "data" names, through the same routes.
//
//   auto client = SW_TRY(Client::Open(settings, "models"));
//   Json models = SW_TRY(client->Get("/seaworthy/v1/models"));
//   Json trained = SW_TRY(client->RunJob("/seaworthy/v1/train", body, on_progress));
//
// One owner.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "app/settings.h"
#include "base/json.h"
#include "base/result.h"
#include "data/readers.h"
#include "net/http.h"

namespace sw::app {

// Called now and then while a job runs; `done` is from 0 to 1.
using OnProgress = std::function<void(double done, std::string_view message)>;

class Client {
 public:
  // INVALID_ARGUMENT when neither a server nor a data folder is set.
  static Result<std::unique_ptr<Client>> Open(const Settings& settings, std::string_view purpose);
  virtual ~Client() = default;

  Result<Json> Get(const std::string& target) { return Call("GET", target, "", ""); }
  Result<Json> Post(const std::string& target, const Json& body) {
    return Call("POST", target, body.Dump(), kJson);
  }
  Result<Json> Put(const std::string& target, const Json& body) {
    return Call("PUT", target, body.Dump(), kJson);
  }
  Result<Json> Delete(const std::string& target) { return Call("DELETE", target, "", ""); }
  // Starts the job and waits for its end; the job's result, or its error. `on_progress` may be empty.
  Result<Json> RunJob(const std::string& target, const Json& body, const OnProgress& on_progress);
  // Each event of a stream as its data says, for ever, also when the server is started anew (`on_broken` is told
  // why it waits), until `on_event` says false. FAILED_PRECONDITION without a server: nothing happens in a folder
  // that this process holds.
  virtual Status Follow(const std::string& target, const std::function<bool(const Json&)>& on_event,
                        const std::function<void(const Error&)>& on_broken) = 0;
  // Keeps bytes in the blobs; their SHA-256.
  Result<std::string> PutBlob(std::string_view bytes);
  // The manifest of a package (its id) or one of its parts; DATA_LOSS when its bytes are not what its name says.
  Result<std::string> GetPart(std::string_view package_id, std::string_view hash);
  // Reads a table on this machine (data/readers.h) and pushes its rows to a source, in pieces. The
  // sum of the pieces' answers.
  Result<Json> PushTable(std::string_view source, const std::string& location,
                         const OnProgress& on_progress);

 protected:
  static constexpr std::string_view kJson = "application/json";
  // The answer's JSON, or the error that it tells.
  Result<Json> Call(std::string_view method, const std::string& target, std::string body, std::string_view content_type);
  // The answer as it comes, whatever it tells.
  virtual Result<net::Response> Send(std::string_view method, const std::string& target, std::string body,
                                     std::string_view content_type) = 0;

 private:
  Result<data::ReadOptions> ReadOptionsOf(std::string_view source);
};

// "/a/b?x=1&y=%20": values are encoded, empty ones left out.
std::string Target(std::string path,
                   std::initializer_list<std::pair<std::string_view, std::string>> query);
std::string Encoded(std::string_view path_part);

}  // namespace sw::app
