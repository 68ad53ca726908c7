// Feast's exceptions: its clients build the Python exception again from module, class and message.
//
// An error of this room begins with the class ("FeatureViewNotFoundException: Feature view x does not exist in
// project y"); one that does not is a plain FeastError to a client.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace sw::feast {

std::unexpected<Error> EntityNotFound(std::string_view name, std::string_view project);
std::unexpected<Error> FeatureViewNotFound(std::string_view name, std::string_view project);
std::unexpected<Error> FeatureServiceNotFound(std::string_view name, std::string_view project);
std::unexpected<Error> DataSourceNotFound(std::string_view name, std::string_view project);
std::unexpected<Error> PushSourceNotFound(std::string_view name);
std::unexpected<Error> ProjectNotFound(std::string_view name);

// The class of feast.errors that a client raises, and what it says; views of the error's message.
struct Exception {
  std::string_view name;
  std::string_view message;
};
Exception ExceptionOf(const Error& error);

// {"module": "feast.errors", "class": ..., "message": ...} as a JSON text, Feast's `to_error_detail()`.
std::string ErrorDetail(const Error& error);

}  // namespace sw::feast
