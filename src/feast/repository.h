// Repository: what feature_store.yaml of a Feast repository says that a server needs. Values.
//
//   Repository repository = SW_TRY(ReadRepository("/srv/repo"));
//   auto registry = SW_TRY(Registry::Open(repository.registry_path));
#pragma once

#include <string>

#include "base/result.h"

namespace sw::feast {

struct Repository {
  std::string folder;         // absolute
  std::string project;
  std::string registry_path;  // absolute; a file
};

// NOT_FOUND without feature_store.yaml; INVALID_ARGUMENT names the key that is missing or of another kind;
// UNIMPLEMENTED for a registry that is no local file.
Result<Repository> ReadRepository(const std::string& folder);

}  // namespace sw::feast
