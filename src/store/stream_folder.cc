#include "store/stream_folder.h"

#include "base/errors.h"
#include "base/files.h"
#include "base/format_version.h"

namespace sw::store {
namespace {

const base::FormatVersion kFormat{"seaworthy/logbook-stream", 0, 0};

bool IsPlain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

}  // namespace

Result<std::string> StreamFolderName(std::string_view stream) {
  std::string folder;
  char before = '/';
  for (const char c : stream) {
    if (c == '/' && before == '/') break;
    if (IsPlain(c) || (c == '.' && !folder.empty())) {
      folder += c;
    } else {
      folder += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    before = c;
    if (folder.size() > kStreamFolderBytesMax) {
      return InvalidArgument("stream name of {} bytes passes the limit of {} once escaped; shorten it", stream.size(),
                             kStreamFolderBytesMax);
    }
  }
  if (before == '/' || stream.find("//") != std::string_view::npos) {
    return InvalidArgument("stream name \"{}\" has an empty part; write it like predictions/flights", stream);
  }
  return folder;
}

Status CheckStreamSpec(const StreamSpec& spec) {
  if (spec.partitions < 1 || spec.partitions > kPartitionsMax) {
    return InvalidArgument("stream {} of {} partitions; give 1 to {}", spec.name, spec.partitions, kPartitionsMax);
  }
  if (spec.retention < 0) {
    return InvalidArgument("stream {} is kept {}; give a time above 0, or 0 for ever", spec.name,
                           base::FormatDuration(spec.retention));
  }
  return Ok();
}

Json StreamSpecToJson(const StreamSpec& spec) {
  return Json::MakeObject({{"name", spec.name},
                           {"partitions", spec.partitions},
                           {"retention_us", spec.retention},
                           {"erasure_key", spec.erasure_key}});
}

Result<std::optional<StreamSpec>> ReadStreamSpec(const std::string& folder) {
  const std::string path = base::JoinPath(folder, "stream.json");
  if (!base::Exists(path)) return std::optional<StreamSpec>();
  Result<Json> json = Json::Parse(SW_TRY(base::ReadFile(path, 1u << 20)));
  if (!json) return DataLoss("{} at offset 0: {}", path, json.error().message);
  SW_TRY(base::CheckReadable(SW_TRY(base::ParseFormatVersion(json->StringOr("format", ""))), kFormat));
  StreamSpec spec;
  spec.name = SW_TRY(json->GetString("name"));
  spec.partitions = static_cast<std::int32_t>(SW_TRY(json->GetInt("partitions")));
  spec.retention = SW_TRY(json->GetInt("retention_us"));
  spec.erasure_key = SW_TRY(json->GetString("erasure_key"));
  SW_TRY(CheckStreamSpec(spec));
  return spec;
}

Status WriteStreamSpec(const std::string& folder, const StreamSpec& spec) {
  Json json = StreamSpecToJson(spec);
  json.Set("format", base::FormatVersionLine(kFormat));
  return base::WriteFileAtomic(base::JoinPath(folder, "stream.json"), json.Dump() + "\n");
}

}  // namespace sw::store
