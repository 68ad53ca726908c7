// The parsers of one definition each, which ParseDefinitions is made of. Each checks what can be
// seen from the definition alone; references between definitions are checked after.
#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"
#include "feature/config_table.h"
#include "feature/definitions.h"

namespace sw::feature {

Result<SourceDef> ParseSource(const std::string& name, ConfigTable table);
Result<EntityDef> ParseEntity(const std::string& name, ConfigTable table);
Result<ViewDef> ParseView(const std::string& name, ConfigTable table);
Result<RequestDef> ParseRequest(const std::string& name, ConfigTable table);
Result<ServiceDef> ParseService(const std::string& name, ConfigTable table);  // features as written
Result<TrainingSetDef> ParseTrainingSet(const std::string& name, ConfigTable table);

// { origin = "string" }: names with types, in order.
Result<std::vector<data::Field>> ParseFields(ConfigTable& table, std::string_view key);

}  // namespace sw::feature
