// Reads the registry's tables within a caller's transaction or snapshot; see registry.h for what
// the rows mean. Internal to this room. One owner.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "registry/registry.h"

namespace sw::registry {

// A model's rows. NOT_FOUND names the models that there are.
Result<Model> ReadModel(store::CatalogReader& reader, const std::string& workspace,
                        const std::string& model);
Result<std::vector<Model>> ReadModels(store::CatalogReader& reader, const std::string& workspace);

// Newest first; `number` 0: all of them.
Result<std::vector<Version>> ReadVersions(store::CatalogReader& reader,
                                          const std::string& workspace, const std::string& model,
                                          std::int64_t number = 0);
// NOT_FOUND names the newest version that there is.
Result<Version> ReadVersion(store::CatalogReader& reader, const std::string& workspace,
                            const std::string& model, std::int64_t number);
// The number that a number, an alias or "latest" stands for.
Result<std::int64_t> ReadNumber(store::CatalogReader& reader, const std::string& workspace,
                                const std::string& model, std::string_view version);
// Oldest first.
Result<std::vector<VerdictRecord>> ReadVerdicts(store::CatalogReader& reader,
                                                const std::string& workspace,
                                                const std::string& model, std::int64_t number);

// Digits alone name a number: no alias may look like that.
bool IsNumber(std::string_view text);

}  // namespace sw::registry
