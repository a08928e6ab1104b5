/** The page's own styles, and a report's few more, as one text. */
import shared from '../css/shared.css?inline'
import report from './report.css?inline'

export const STYLES = `${shared}\n${report}`
