#include "app/offline.h"

#include "api/native/openapi.h"
#include "app/app.h"
#include "app/doctor.h"
#include "app/routes.h"
#include "train/worker.h"

namespace sw::app {

Json DoctorReport(const Settings& settings, bool verify) {
  std::vector<Finding> findings = CheckProcess(settings);
  Error failure;
  if (!settings.IsSet("data")) {
    failure = {ErrorCode::kInvalidArgument,
               "no data folder is named; give --data FOLDER or SEAWORTHY_DATA"};
    findings.push_back(
        {"warning", "data folder", failure.message, "name one to have it looked at"});
  } else {
    net::Request request;
    request.path = "/seaworthy/v1/doctor";
    if (verify) request.query = "verify=true";
    const auto app = App::Open(settings, "doctor");
    Result<Json> report =
        app ? net::JsonOf((*app)->Dispatch(std::move(request))) : std::unexpected(app.error());
    if (report) return *std::move(report);
    findings.push_back(FolderDoesNotOpen(settings.Text("data"), report.error()));
  }
  return Json::MakeObject({{"facts", Json::MakeObject({{"version", SW_VERSION}})},
                           {"settings", settings.ToJson()},
                           {"findings", FindingsToJson(findings)}});
}

std::string RoutesDocument() { return native::RoutesMarkdown(DocumentedRoutes()); }

int TrainWorker(int in_fd, int out_fd) { return train::TrainWorkerMain(in_fd, out_fd); }

}  // namespace sw::app
