#include "flow/looks.h"

#include <algorithm>
#include <string>

namespace sw::flow {
namespace {

Json CutsToJson(const FoldCuts& cuts) {
  return Json::MakeObject({{"predictions", store::CutToJson(cuts.predictions)},
                           {"shadow", store::CutToJson(cuts.shadow)},
                           {"labels", store::CutToJson(cuts.labels)}});
}

Result<FoldCuts> CutsFromJson(const Json& json) {
  FoldCuts cuts;
  cuts.predictions = SW_TRY(store::CutFromJson(*SW_TRY(json.GetObject("predictions"))));
  cuts.shadow = SW_TRY(store::CutFromJson(*SW_TRY(json.GetObject("shadow"))));
  cuts.labels = SW_TRY(store::CutFromJson(*SW_TRY(json.GetObject("labels"))));
  return cuts;
}

}  // namespace

Status PutLook(store::CatalogTransaction& tx, const Caller& caller, std::string_view endpoint, const Look& look) {
  SW_TRY(tx.Execute("INSERT INTO flow_looks (workspace, endpoint, number, time, version, cuts) VALUES (?, ?, ?, ?, ?, ?)",
                    {caller.workspace, std::string(endpoint), look.number, look.time, look.version, CutsToJson(look.cuts).Dump()}));
  return Ok();
}

bool CutTo(const FoldCuts& ends, FoldCuts& cuts) {
  const FoldCuts before = cuts;
  const auto cut_to = [](const store::Cut& end, store::Cut& cut) {
    std::erase_if(cut, [&](const auto& entry) { return !end.contains(entry.first); });
    for (auto& [partition, offset] : cut) offset = std::min(offset, end.at(partition));
  };
  cut_to(ends.predictions, cuts.predictions);
  cut_to(ends.shadow, cuts.shadow);
  cut_to(ends.labels, cuts.labels);
  return !(cuts == before);
}

Status ReplaceCuts(store::CatalogTransaction& tx, const Caller& caller, std::string_view endpoint, const Look& look) {
  SW_TRY(tx.Execute("UPDATE flow_looks SET cuts = ? WHERE workspace = ? AND endpoint = ? AND number = ?",
                    {CutsToJson(look.cuts).Dump(), caller.workspace, std::string(endpoint), look.number}));
  return Ok();
}

Result<std::vector<Look>> ReadLooks(const store::Catalog& catalog, const Caller& caller, std::string_view endpoint) {
  std::vector<Look> looks;
  SW_TRY(catalog.Read([&](store::CatalogReader& reader) -> Status {
    const auto rows = SW_TRY(reader.Query("SELECT number, time, version, cuts FROM flow_looks WHERE workspace = ? AND endpoint = ? ORDER BY number",
                                          {caller.workspace, std::string(endpoint)}));
    for (const store::SqlRow& row : rows) {
      looks.push_back({.number = row.Int(0), .time = row.Int(1), .version = row.Int(2),
                       .cuts = SW_TRY(CutsFromJson(SW_TRY(Json::Parse(row.Text(3)))))});
    }
    return Ok();
  }));
  return looks;
}

}  // namespace sw::flow
