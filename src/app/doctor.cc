#include "app/doctor.h"

#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/errors.h"
#include "model/package.h"

namespace sw::app {
namespace {

constexpr std::uint64_t kFreeBytesMin = 1ull << 30;
constexpr std::uint64_t kDescriptorsMin = 1'024;

void CheckBlobs(store::DataFolder& data, std::vector<Finding>& findings) {
  if (const Status verified = data.blobs().Verify(); !verified) {
    findings.push_back(
        {"error", "blobs", verified.error().message,
         "restore this blob from a backup, or register its model again; its name is its hash"});
  }
}

void CheckLogbook(store::DataFolder& data, std::vector<Finding>& findings) {
  if (const Status verified = data.logbook().Verify(); !verified) {
    findings.push_back({"error", "logbook", verified.error().message,
                        "restore this file from a backup; rows before the place named are intact"});
  }
}

void CheckPackages(store::DataFolder& data, const registry::Registry& registry,
                   const PackageCheck& load, std::vector<Finding>& findings) {
  const auto ids = registry.PackageIds();
  if (!ids) {
    findings.push_back(
        {"error", "catalog", ids.error().message, "restore catalog.sqlite from a backup"});
    return;
  }
  for (const std::string& id : *ids) {
    const auto loaded = load(id, {.get = [&](std::string_view hash) { return data.blobs().ReadAll(hash); },
                                  .size = [&](std::string_view hash) { return data.blobs().Size(hash); }});
    if (loaded) continue;
    if (loaded.error().code == ErrorCode::kResourceExhausted) {
      findings.push_back({"warning", "package " + id.substr(0, 12), "it was not checked: " + loaded.error().message,
                          "check it on a machine with more memory"});
      continue;
    }
    findings.push_back({"error", "package " + id.substr(0, 12), loaded.error().message,
                        "restore its blobs, or archive the versions that name it"});
  }
}

void CheckStreams(store::DataFolder& data, std::vector<Finding>& findings) {
  if (const auto streams = data.logbook().Streams(); !streams) {
    findings.push_back(
        {"error", "logbook", streams.error().message, "restore the folder logbook/ from a backup"});
  }
  const auto waiting = data.catalog().Outbox(1);
  if (!waiting) {
    findings.push_back(
        {"error", "catalog", waiting.error().message, "restore catalog.sqlite from a backup"});
  }
}

void CheckDisk(const std::string& folder, std::vector<Finding>& findings) {
  struct statvfs disk{};
  if (statvfs(folder.c_str(), &disk) != 0) return;
  const std::uint64_t free_bytes = std::uint64_t{disk.f_bavail} * disk.f_frsize;
  if (free_bytes >= kFreeBytesMin) return;
  findings.push_back({"warning", "disk",
                      fmt::format("{} MiB are free where {} lies", free_bytes >> 20, folder),
                      "make room: without any, writes are refused (nothing is lost)"});
}

// A mistyped variable would be ignored in silence.
void CheckEnvironment(std::vector<Finding>& findings) {
  std::vector<std::string> known;
  for (const SettingSpec& spec : SettingSpecs()) known.push_back(EnvironmentName(spec.name));
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::string name(text.substr(0, text.find('=')));
    if (!name.starts_with("SEAWORTHY_") || std::ranges::find(known, name) != known.end()) continue;
    findings.push_back({"warning", "environment", name + " is no setting of this version",
                        fmt::format("known are {}", fmt::join(known, ", "))});
  }
}

}  // namespace

std::vector<Finding> CheckFolder(store::DataFolder& data, const registry::Registry& registry,
                                 const PackageCheck& load, bool verify) {
  std::vector<Finding> findings;
  CheckStreams(data, findings);
  CheckDisk(data.path(), findings);
  if (!verify) return findings;
  CheckBlobs(data, findings);
  CheckLogbook(data, findings);
  CheckPackages(data, registry, load, findings);
  return findings;
}

std::vector<Finding> CheckProcess(const Settings& settings) {
  std::vector<Finding> findings;
  rlimit limit{};
  const std::uint64_t wanted = std::max<std::uint64_t>(
      kDescriptorsMin, static_cast<std::uint64_t>(settings.Count("connections_max")) + 256);
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max < wanted) {
    findings.push_back({"warning", "limits",
                        fmt::format("at most {} open files, {} are wanted", limit.rlim_max, wanted),
                        "raise the hard limit (ulimit -Hn), or lower --connections-max"});
  }
  CheckEnvironment(findings);
  return findings;
}

Json FindingsToJson(const std::vector<Finding>& findings) {
  Json out = Json::MakeArray();
  for (const Finding& finding : findings) {
    out.Append(Json::MakeObject({{"severity", finding.severity},
                                 {"subject", finding.subject},
                                 {"message", finding.message},
                                 {"advice", finding.advice}}));
  }
  return out;
}

Finding FolderDoesNotOpen(const std::string& folder, const Error& error) {
  std::string advice = "see the message";
  if (error.code == ErrorCode::kDataLoss)
    advice = "restore the file from a backup; nothing was changed";
  if (error.message.find("in use by") != std::string::npos)
    advice = "ask its server: seaworthy doctor --server URL";
  return {"error", "data folder " + folder, error.message, advice};
}

}  // namespace sw::app
