#include "api/native/routes.h"

namespace sw::native {

std::vector<net::Route> NativeRoutes(const Context& context) {
  Routes routes;
  AddAdminRoutes(context, routes);
  AddConfigRoutes(context, routes);
  AddJobRoutes(context, routes);
  AddKeyRoutes(context, routes);
  AddStreamRoutes(context, routes);
  AddFeatureRoutes(context, routes);
  AddTrainingRoutes(context, routes);
  AddBlobRoutes(context, routes);
  AddModelRoutes(context, routes);
  AddRunRoutes(context, routes);
  AddEndpointRoutes(context, routes);
  AddPredictRoutes(context, routes);
  AddIncidentRoutes(context, routes);
  AddEventRoutes(context, routes);
  return routes;
}

}  // namespace sw::native
