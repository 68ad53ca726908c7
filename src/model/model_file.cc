#include "model/model_file.h"

#include "base/errors.h"
#include "model/formats/lightgbm.h"
#include "model/formats/linear.h"

namespace sw::model {
namespace {

constexpr std::string_view kRead = "LightGBM text";

// Pickle's PROTO opcode with a protocol from 2 to 5.
bool IsPickle(std::string_view bytes) {
  return bytes.size() > 2 && bytes[0] == '\x80' && bytes[1] >= 2 && bytes[1] <= 5;
}

}  // namespace

Result<std::string> DetectFormat(std::string_view bytes) {
  if (IsPickle(bytes)) {
    return InvalidArgument(
        "this is a Python pickle, which runs code when it is opened; export the model instead (docs/models.md)");
  }
  if (bytes.starts_with("tree\n") || bytes.starts_with("tree\r\n")) return std::string("lightgbm");
  return InvalidArgument("the model file is in no format that is read; {} is", kRead);
}

Result<std::unique_ptr<Engine>> MakeEngine(std::string_view format, std::string_view bytes) {
  if (format == "linear") return MakeLinearEngine(SW_TRY(ParseLinear(bytes)));
  if (format == "lightgbm") return MakeForestEngine(SW_TRY(ParseLightGbm(bytes)));
  return Unimplemented("the model format {} is not read; {} is", format, kRead);
}

}  // namespace sw::model
