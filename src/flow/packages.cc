#include "flow/packages.h"

namespace sw::flow {

Result<std::shared_ptr<const model::Package>> Packages::Get(const std::string& id) {
  std::shared_ptr<const model::Package> package = Loaded(id);
  if (package == nullptr) package = SW_TRY(Load(id));
  if (options_.tuner != nullptr) options_.tuner->TakeOver(*package);
  return package;
}

std::shared_ptr<const model::Package> Packages::Loaded(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto found = loaded_.find(id);
  return found == loaded_.end() ? nullptr : found->second.lock();
}

model::PackageParts Packages::Parts() const {
  return {.get = [this](std::string_view hash) { return blobs_.ReadAll(hash); },
          .size = [this](std::string_view hash) { return blobs_.Size(hash); }};
}

// By whoever else serves it, else by ourselves.
Result<std::shared_ptr<const model::Package>> Packages::Find(const std::string& id) {
  if (options_.elsewhere && !SW_TRY(RunsInAProcess(id))) {
    if (auto package = SW_TRY(options_.elsewhere(id))) return package;
  }
  if (options_.loader != nullptr) return options_.loader->Load(id, Parts(), options_.engines);
  return SW_TRY(model::LoadPackage(id, Parts().get, options_.engines));
}

Result<std::shared_ptr<const model::Package>> Packages::Load(const std::string& id) {
  std::shared_ptr<const model::Package> package = SW_TRY(Find(id));
  std::shared_ptr<const model::Package> oldest;  // goes away outside of the lock
  const std::lock_guard lock(mutex_);
  loaded_[id] = package;
  recent_.push_back(package);
  if (recent_.size() > options_.recent) {
    oldest = std::move(recent_.front());
    recent_.pop_front();
  }
  std::erase_if(loaded_, [](const auto& entry) { return entry.second.expired(); });
  return package;
}

void Packages::DropRecent() {
  std::deque<std::shared_ptr<const model::Package>> dropped;
  const std::lock_guard lock(mutex_);
  dropped.swap(recent_);
}

Result<std::string> Packages::Write(const model::PackageContent& content) {
  return model::WritePackage(content, [this](std::string_view bytes) { return blobs_.Put(bytes); });
}

Result<bool> Packages::RunsInAProcess(const std::string& id) const {
  return model::RunsInAProcess(id, Parts().get);
}

Result<std::vector<double>> ScoreAll(const model::Package& package, const data::Batch& rows) {
  std::vector<double> scores(rows.num_rows());
  SW_TRY(package.Score(rows, scores));
  return scores;
}

Json LineageToJson(const eval::Lineage& lineage) {
  Json columns = Json::MakeArray();
  for (const eval::ColumnLineage& column : lineage.columns) {
    columns.Append(Json::MakeObject({{"name", column.name}, {"rows", column.rows}, {"rows_too_late", column.rows_too_late},
                                     {"examples", Json::FromRange(column.examples)}}));
  }
  return columns;
}

std::optional<eval::Lineage> LineageFromPackage(const Json& lineage) {
  const Json* columns = lineage.Find("columns");
  if (columns == nullptr || !columns->IsArray()) return std::nullopt;
  eval::Lineage found{.columns = {}, .label_is_known = lineage.BoolOr("label_is_known", false)};
  for (const Json& column : columns->AsArray()) {
    eval::ColumnLineage entry{.name = column.StringOr("name", ""),
                              .rows = static_cast<std::uint64_t>(column.IntOr("rows", 0)),
                              .rows_too_late = static_cast<std::uint64_t>(column.IntOr("rows_too_late", 0)),
                              .examples = {}};
    if (const Json* examples = column.Find("examples"); examples != nullptr && examples->IsArray()) {
      for (const Json& example : examples->AsArray()) {
        if (example.IsString()) entry.examples.push_back(example.AsString());
      }
    }
    found.columns.push_back(std::move(entry));
  }
  return found;
}

}  // namespace sw::flow
