/** The closed list of what healing may do. Its home is protocol/healing: the coordinator holds rule sets to it before it signs them. */
export {
  ACTION_NAMES,
  ACTIONS,
  type ActionFacts,
  type ActionName,
  type ActionParams,
  actionFacts,
  checkAction,
  type Platform,
  RESTARTABLE_UNITS,
} from '../../protocol/healing/actions.ts';
export { type CapabilityTier, tierAllows } from '../../protocol/healing/tier.ts';
